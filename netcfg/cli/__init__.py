"""The command line: one file a command, each parses its options and makes one library call."""
