// Links to rooms, as people paste them.

/** The id in a link or a name, with what stands behind it in the link; or nothing. */
export function roomOf(text) {
  const parts = text.trim().match(/^(.*\/room\/)?([A-Za-z0-9_-]{1,64})\/?(\?[^#]*)?(#.*)?$/);
  return parts ? { id: parts[2], isLink: Boolean(parts[1]), search: parts[3], hash: parts[4] } : undefined;
}
