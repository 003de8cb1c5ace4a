"""Files written for the user: what is known of a service goes in, text comes out. No disk is touched."""
