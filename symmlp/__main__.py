"""`python -m symmlp`."""

from symmlp.cli import main

if __name__ == "__main__":
    main()
