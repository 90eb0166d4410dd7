"""One module for each group of commands; `garasu.app.cli` names them all and imports none until it is asked for."""
