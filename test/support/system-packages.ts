/**
 * Makes sure that the programs a make target needs are there: by apt on Debian where we may, else by saying what to
 * install. Runs before anything else, so it uses nothing but Node.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Program {
  readonly packages: readonly string[];
  readonly present: () => boolean;
}

const programs = {
  ffmpeg: { packages: ['ffmpeg'], present: () => onPath('ffmpeg') && onPath('ffprobe') },
  nginx: {
    packages: ['nginx', 'libnginx-mod-rtmp'],
    present: () => onPath('nginx') && existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so'),
  },
  haproxy: { packages: ['haproxy'], present: () => onPath('haproxy') },
  trafficserver: { packages: ['trafficserver'], present: () => onPath('traffic_server') },
  squid: { packages: ['squid'], present: () => onPath('squid') },
  rtmpdump: { packages: ['rtmpdump'], present: () => onPath('rtmpdump') },
  gstreamer: {
    packages: [
      'gstreamer1.0-tools',
      'gstreamer1.0-plugins-base',
      'gstreamer1.0-plugins-good',
      'gstreamer1.0-plugins-bad',
    ],
    present: () => onPath('gst-launch-1.0') && spawnSync('gst-inspect-1.0', ['rtmp2sink']).status === 0,
  },
  chromium: { packages: ['chromium'], present: () => onPath('chromium') },
  obs: { packages: ['obs-studio', 'obs-plugins', 'libgl1-mesa-dri'], present: () => onPath('obs') },
  xvfb: { packages: ['xvfb'], present: () => onPath('Xvfb') },
  vlc: { packages: ['vlc-bin', 'vlc-plugin-base'], present: () => onPath('vlc') },
  mpv: { packages: ['mpv'], present: () => onPath('mpv') },
  openssl: { packages: ['openssl'], present: () => onPath('openssl') },
  etcd: {
    packages: ['etcd-server'],
    present: () =>
      process.env.USE_EXISTING_CLUSTER === 'true' ||
      onPath('etcd') ||
      existsSync(join(process.env.KUBEBUILDER_ASSETS ?? '', 'etcd')),
  },
  prometheus: { packages: ['prometheus'], present: () => onPath('prometheus') && onPath('promtool') },
  lua: { packages: ['lua5.1'], present: () => onPath('lua5.1') },
  iproute: { packages: ['iproute2'], present: () => onPath('ip') },
  'nginx-stream': {
    packages: ['libnginx-mod-stream'],
    present: () => existsSync('/usr/lib/nginx/modules/ngx_stream_module.so'),
  },
  libssl: { packages: ['libssl-dev'], present: () => existsSync('/usr/include/openssl/ssl.h') },
  gcc: { packages: ['gcc', 'libc6-dev'], present: () => onPath('gcc') && existsSync('/usr/include/stdio.h') },
  buildah: { packages: ['buildah'], present: () => onPath('buildah') },
  qemu: { packages: ['qemu-user'], present: () => onPath('qemu-aarch64') },
  runc: { packages: ['runc'], present: () => onPath('runc') },
  containerd: { packages: ['containerd'], present: () => onPath('containerd') && onPath('ctr') },
  cni: { packages: ['containernetworking-plugins'], present: () => existsSync('/usr/lib/cni/bridge') },
  iptables: { packages: ['iptables'], present: () => onPath('iptables') },
} as const satisfies Record<string, Program>;

const needed: Record<string, readonly (keyof typeof programs)[]> = {
  demo: ['ffmpeg', 'nginx'],
  test: ['ffmpeg', 'nginx', 'trafficserver', 'squid', 'haproxy', 'rtmpdump', 'gstreamer', 'chromium', 'openssl'],
  interop: ['ffmpeg', 'obs', 'xvfb', 'vlc', 'mpv'],
  hostile: ['openssl'],
  bench: ['ffmpeg', 'nginx', 'nginx-stream', 'gcc', 'libssl', 'openssl'],
  'kube-test': ['etcd', 'ffmpeg', 'openssl', 'iproute', 'prometheus', 'lua'],
  'bench-operator': ['etcd'],
  image: ['buildah', 'runc'],
  release: ['buildah', 'qemu'],
  e2e: [
    ...(['etcd', 'containerd', 'runc', 'cni', 'iptables', 'iproute', 'buildah'] as const),
    ...(['openssl', 'nginx', 'ffmpeg', 'gcc', 'libssl'] as const),
  ],
};

function onPath(program: string): boolean {
  const directories = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return directories.some((directory) => directory !== '' && existsSync(join(directory, program)));
}

/** The command that becomes root, or undefined where we cannot without being asked for a password. */
function asRoot(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

function run(command: readonly string[]): boolean {
  const [program = '', ...args] = command;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // What apt says goes to standard error: standard output is the target's own.
  return spawnSync(program, args, { stdio: ['ignore', 2, 2], env }).status === 0;
}

const target = process.argv[2] ?? '';
const missing = (needed[target] ?? []).filter((name) => !programs[name].present());
const packages = missing.flatMap((name) => programs[name].packages);
if (packages.length > 0) {
  const root = asRoot();
  const installed =
    root !== undefined &&
    onPath('apt-get') &&
    run([...root, 'apt-get', 'update', '-qq']) &&
    run([...root, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages]);
  if (!installed) {
    console.error(
      `make ${target}: please install: ${missing.join(', ')} (Debian: apt-get install ${packages.join(' ')})`,
    );
    // The demo has a clip of its own to publish, and goes without HLS; tests and benchmark need the real programs.
    if (target !== 'demo') process.exit(1);
  }
}
