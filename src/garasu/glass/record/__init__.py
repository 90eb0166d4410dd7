"""The record of a run: every value between words and picture, in one folder, to read, compare and go on from."""
