"""What an image stands on, and whether the binary can run there."""
