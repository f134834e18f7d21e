/** Lines of a byte stream, as they come. Each byte is looked at once, however the bytes are cut into chunks. */

const NEWLINE = 0x0a;

/**
 * @param maxBytes longest line that is accepted
 * @throws RangeError for a longer one; what the stream throws
 */
export async function* lines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end);
      const line = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
      pieces = [];
      size = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
    }
  }
}
