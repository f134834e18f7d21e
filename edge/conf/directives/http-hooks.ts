/** The table of `vhost { http_hooks { } }`. */
import { HTTP_HOOKS } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { hookUrls, onOff } from '../values.ts';

function hook(urls: readonly string[], doc: string) {
  return leaf({ type: hookUrls, default: urls, defaultText: 'none', effect: 'new connections', doc });
}

export const httpHooks = block(
  'Callbacks: each URL is sent a JSON body by POST, and may refuse the client by any other answer than `0`.',
  {
    enabled: leaf({
      type: onOff,
      default: HTTP_HOOKS.enabled,
      effect: 'new connections',
      doc: 'Whether the URLs below are called.',
    }),
    on_connect: hook(
      HTTP_HOOKS.onConnect,
      'Called before a client plays or publishes, by RTMP or HTTP (see `on_connect_at`); may refuse it.',
    ),
    on_close: hook(HTTP_HOOKS.onClose, 'Called when a client that `on_connect` was about is gone, refused ones too.'),
    on_publish: hook(HTTP_HOOKS.onPublish, 'Called when a client wants to publish; may refuse it.'),
    on_unpublish: hook(HTTP_HOOKS.onUnpublish, 'Called when a client publishes no more.'),
    on_play: hook(HTTP_HOOKS.onPlay, 'Called when a client wants to play, by RTMP or HTTP; may refuse it.'),
    on_stop: hook(HTTP_HOOKS.onStop, 'Called when a client plays no more.'),
  },
  {
    ignored: {
      on_dvr: 'the edge records nothing',
      on_hls: 'the edge makes no HLS',
      on_hls_notify: 'the edge makes no HLS',
    },
  },
);
