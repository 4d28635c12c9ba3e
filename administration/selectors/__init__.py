"""What the pages of administrators show. Figures, codes and states; nothing of a client's record."""
