"""Who may look at the page: users with passwords, those whom a proxy vouches for, or whoever is on this machine."""
