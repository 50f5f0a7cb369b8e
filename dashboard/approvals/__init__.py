"""Changes of flags that wait for somebody else's approval, and those that are looked at afterwards."""
