"""Names of the span events that Junjo's SDK writes, for whoever looks for one of them."""

SET_STATE = "set_state"
"""A changed state, of which ``state_patches`` has a row each."""
