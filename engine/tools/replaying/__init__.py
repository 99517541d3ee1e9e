"""A till's history played again: ``recording`` reads it, ``exact`` holds the machine that lived it
to it, ``world`` tells what another one's calls would have met, ``playing`` plays that one."""
