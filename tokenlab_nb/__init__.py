"""tokenlab_nb: try TokenLab's image models in a notebook, side by side, and keep everything you paid for."""
