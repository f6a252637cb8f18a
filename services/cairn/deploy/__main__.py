"""`python -m cairn.deploy`"""

from cairn.deploy.cli import main

main()
