"""The second yardstick of `scripts/bench/consent`: our own service, with a commit of its own for every request."""

from consent.cli import main
from consent.records import commit

commit.GROUP = 1
main()
