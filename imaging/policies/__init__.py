"""Who may see and do what with images."""
