"""The layers, the control and the placeholders alone, over a stand-in for the store."""
