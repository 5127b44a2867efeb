"""The commands of `maalstrom`, one file a command, in rooms by what they work on."""
