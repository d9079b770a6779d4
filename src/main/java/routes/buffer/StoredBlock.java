package routes.buffer;

import routes.jetstream.Block;

/** A block in the stream, under its id. */
public record StoredBlock(StreamId id, Block block) {}
