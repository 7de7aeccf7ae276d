"""What analysts see: questions, figures, pages, and data to take along."""
