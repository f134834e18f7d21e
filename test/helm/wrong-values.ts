/** Values that the chart refuses, with the place that the schema's error names. */

export interface WrongValues {
  readonly what: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Path of what is wrong; of what holds it, for an unknown or missing key. */
  readonly place: string;
}

export const wrongValues: readonly WrongValues[] = [
  { what: 'an unknown value', values: { replicaCount: 2 }, place: '' },
  { what: 'an unknown value within', values: { image: { name: 'edge' } }, place: 'image' },
  { what: 'replicas as text', values: { replicas: '2' }, place: 'replicas' },
  { what: 'less than no replicas', values: { replicas: -1 }, place: 'replicas' },
  { what: 'an image without a repository', values: { image: { repository: '' } }, place: 'image.repository' },
  { what: 'a tag in the repository', values: { image: { repository: 'r.io/edge:1.0' } }, place: 'image.repository' },
  { what: 'a digest as the tag', values: { image: { tag: 'sha256:0123' } }, place: 'image.tag' },
  { what: 'half a digest', values: { image: { digest: 'sha256:0123' } }, place: 'image.digest' },
  { what: 'an unknown pull policy', values: { image: { pullPolicy: 'Sometimes' } }, place: 'image.pullPolicy' },
  { what: "a pull secret's bare name", values: { imagePullSecrets: ['registry'] }, place: 'imagePullSecrets.0' },
  {
    what: 'a tag in the repository of edges',
    values: { edgeImage: { repository: 'e:1' } },
    place: 'edgeImage.repository',
  },
  { what: 'namespaces as text', values: { watchNamespaces: 'live,staging' }, place: 'watchNamespaces' },
  { what: 'no name of a namespace', values: { watchNamespaces: ['Live'] }, place: 'watchNamespaces.0' },
  { what: 'a namespace twice', values: { watchNamespaces: ['live', 'live'] }, place: 'watchNamespaces' },
  { what: 'an unknown log level', values: { logLevel: 'verbose' }, place: 'logLevel' },
  { what: 'yes for true', values: { crds: { install: 'yes' } }, place: 'crds.install' },
  { what: 'no name of an account', values: { serviceAccount: { name: 'Operator!' } }, place: 'serviceAccount.name' },
  { what: 'a number as annotation', values: { pod: { annotations: { a: 1 } } }, place: 'pod.annotations.a' },
  { what: 'a label with a blank', values: { commonLabels: { team: 'live video' } }, place: 'commonLabels.team' },
  { what: 'an environment variable without a name', values: { pod: { env: [{ value: 'x' }] } }, place: 'pod.env.0' },
  { what: 'resources of no kind', values: { pod: { resources: { memory: '1Gi' } } }, place: 'pod.resources' },
  {
    what: 'a toleration of no effect',
    values: { pod: { tolerations: [{ operator: 'Exists', effect: 'None' }] } },
    place: 'pod.tolerations.0.effect',
  },
  {
    what: 'a constraint without a key',
    values: { pod: { topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] } },
    place: 'pod.topologySpreadConstraints.0',
  },
  {
    what: 'more than 100 %',
    values: { podDisruptionBudget: { maxUnavailable: '101%' } },
    place: 'podDisruptionBudget.maxUnavailable',
  },
  {
    what: 'an interval without a unit',
    values: { metrics: { podMonitor: { interval: '30' } } },
    place: 'metrics.podMonitor.interval',
  },
  {
    what: 'a runbook with an anchor of its own',
    values: { metrics: { prometheusRule: { runbookUrl: 'https://wiki.example.com/edges#top' } } },
    place: 'metrics.prometheusRule.runbookUrl',
  },
  {
    what: 'no name of the namespace for dashboards',
    values: { metrics: { dashboards: { namespace: 'Monitoring' } } },
    place: 'metrics.dashboards.namespace',
  },
  {
    what: 'a port that is none',
    values: { networkPolicy: { apiServerPorts: [70000] } },
    place: 'networkPolicy.apiServerPorts.0',
  },
  {
    what: 'no port of the API server',
    values: { networkPolicy: { apiServerPorts: [] } },
    place: 'networkPolicy.apiServerPorts',
  },
  { what: 'an empty peer', values: { networkPolicy: { metricsFrom: [{}] } }, place: 'networkPolicy.metricsFrom.0' },
];
