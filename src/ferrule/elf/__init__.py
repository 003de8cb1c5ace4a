"""What a binary is: facts read from its ELF headers, and the libraries it reaches."""
