/** What clients ask for, ready made. */

import type { StreamRequest } from '../../edge/stream/request.ts';

/** A client that wants `live/livestream` of `video.test`, unless told otherwise. */
export function streamRequest(overrides: Partial<StreamRequest> = {}): StreamRequest {
  return {
    clientId: 'c0ffee1',
    protocol: 'rtmp',
    ip: '192.0.2.7',
    vhost: 'video.test',
    app: 'live',
    stream: 'livestream',
    param: '',
    tcUrl: 'rtmp://video.test/live',
    pageUrl: '',
    swfUrl: '',
    connectObject: {},
    connectArgs: [],
    ...overrides,
  };
}
