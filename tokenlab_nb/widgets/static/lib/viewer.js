// Looking closely: several cells at one zoom and place, and ways to hold one against another.

/** Returns `{open(index), close()}`. */
function closeLook(model, store, state, root) {
  return { open(index) {}, close() {} };
}
