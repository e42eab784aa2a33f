"""The command line as a module: ``python -m registry_api.cli`` is ``registry-api``."""

from registry_api.cli import main

if __name__ == "__main__":
    main()
