package routes.search;

/** What a query has taken so far. */
final class QueryCost {

  private int indexes;
  private int filesScanned;
  private long rowsRead;

  void indexUsed() {
    indexes++;
  }

  void filesScanned(int files) {
    filesScanned += files;
  }

  void rowsRead(int rows) {
    rowsRead += rows;
  }

  int indexes() {
    return indexes;
  }

  int filesScanned() {
    return filesScanned;
  }

  long rowsRead() {
    return rowsRead;
  }
}
