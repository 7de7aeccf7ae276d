"""What a policy must hold to, one file a subject. Every function yields findings and is pure."""
