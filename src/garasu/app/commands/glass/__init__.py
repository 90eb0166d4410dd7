"""garasu glass: pictures of what a recorded run did."""
