"""What one takes away: plain files that need neither kernel nor key."""
