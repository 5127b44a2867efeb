"""What is made of the code and lies in the tree."""
