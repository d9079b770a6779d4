package routes.search;

/**
 * The newest version of a post that is received and not archived yet.
 *
 * @param deleted whether the post, or its author, is gone since
 */
record TailPost(PostRow row, boolean deleted) {}
