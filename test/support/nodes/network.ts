/** The network between the machines of a cluster: a bridge at the gateway, and a cable to each node, which can be cut. */

import { run } from '../programs.ts';
import { clusterCidr, gateway, type NodePlace, nodePlaces, serviceCidr } from './layout.ts';

const bridge = 'machines';

/** In the network namespace of the gateway. */
export function layNetwork(): void {
  run('sh', ['-c', forwardPackets]);
  ip('link set lo up');
  ip(`link add ${bridge} type bridge`);
  ip(`addr add ${gateway}/24 dev ${bridge}`);
  ip(`link set ${bridge} up`);
  // What goes to Services is sent on by kube-proxy, once it has a way out.
  ip(`route add ${serviceCidr} dev ${bridge}`);
}

/** Connects a node's network namespace, the one of process `pid`, and tells the others where its pods are. */
export function connectNode(place: NodePlace, pid: number): void {
  const { link, address, podCidr } = place;
  ip(`link add ${link} type veth peer name eth0 netns ${pid}`);
  ip(`link set ${link} master ${bridge} up`);
  ip(`route add ${podCidr} via ${address}`);
  const within = (command: string): void =>
    void run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...command.split(' ')]);
  for (const command of [
    'link set lo up',
    `addr add ${address}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
  ])
    within(command);
  for (const other of nodePlaces) if (other !== place) within(`route add ${other.podCidr} via ${other.address}`);
}

/** As when a cable is pulled: nothing passes, and nobody is told. */
export function cutLink({ link }: NodePlace): void {
  ip(`link set ${link} down`);
}

export function healLink({ link }: NodePlace): void {
  ip(`link set ${link} up`);
}

/** Lines of sh: the settings of a machine that sends on what is not for itself. */
export const forwardPackets = Object.entries({
  'net/ipv4/ip_forward': 1,
  'net/ipv4/conf/all/rp_filter': 0,
  'net/ipv4/conf/default/rp_filter': 0,
  // Pods of one node reach each other through a Service, too.
  'net/bridge/bridge-nf-call-iptables': 1,
})
  .map(([name, value]) => `[ ! -e /proc/sys/${name} ] || echo ${value} > /proc/sys/${name}`)
  .join('\n');

/** What kube-proxy takes for traffic within the cluster. */
export const podNetwork = clusterCidr;

function ip(command: string): void {
  run('ip', command.split(' '));
}
