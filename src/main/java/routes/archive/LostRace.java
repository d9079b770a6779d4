package routes.archive;

/**
 * Another drain committed first: nothing of this batch was kept in that table, and the archive is
 * whole.
 */
final class LostRace extends Exception {

  private static final long serialVersionUID = 1;

  LostRace(TableName table, Throwable cause) {
    super("another drain has committed to " + table.label() + " meanwhile", cause);
  }
}
