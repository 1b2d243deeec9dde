"""How a picture was made: written into its file, and read back."""
