/** What the edge runs when nobody names a configuration: origin and edge in one, for this machine only. */

import type { Environment } from './conf/env.ts';
import { type Loaded, parseConfig } from './conf/load.ts';
import type { BoundAddress } from './server/listeners.ts';

const text = `
listen 127.0.0.1:1935;
http_api {
  enabled on;
  listen 127.0.0.1:1985;
}
http_server {
  enabled on;
  listen 127.0.0.1:8080;
}
edge {
  page_figures on;
}
vhost __defaultVhost__ {
  cluster {
    mode local;
  }
  http_remux {
    enabled on;
    mount [vhost]/[app]/[stream].flv;
  }
}
`;

/** Throws ConfigError where a variable overrides a directive with something wrong. */
export function firstTry(env: Environment): Loaded {
  return { ...parseConfig(text, { env, name: 'the first try' }), files: [], fingerprint: '' };
}

/** For a person: what runs, how to use it, and what to do next. @param addresses where it listens */
export function tellFirstTry(addresses: readonly BoundAddress[]): string {
  const place = (protocol: string): string => {
    const address = addresses.find((bound) => bound.protocol === protocol);
    return address === undefined ? '(not served)' : `${address.host}:${address.port}`;
  };
  const rtmp = `rtmp://${place('rtmp')}/live/livestream`;
  const http = `http://${place('http')}`;
  return `No configuration was named. This is a first try: origin and edge in one, on this machine only.

  publish   ffmpeg -re -i FILE -c copy -f flv ${rtmp}
  play      ${http}/#/live/livestream.flv   in a browser
            ${http}/live/livestream.flv     in ffplay, VLC or mpv
            ${rtmp}
  figures   curl http://${place('http-api')}/api/v1/streams
  end it    Ctrl-C

With a configuration of yours: edge -c FILE. All that can be said: edge --help
`;
}
