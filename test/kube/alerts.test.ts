/**
 * Each alert of the chart comes when it should, with the labels and words that a person gets: promtool runs the rules, as
 * helm renders them, over made-up series. monitoring.test.ts has them on a running tier.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { kubernetesTools } from '../support/kubernetes-tools.ts';
import { findProgram, missing, run, suiteCleaner, temporaryDirectory } from '../support/programs.ts';

interface Alert {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Case {
  readonly alert: string;
  /** Series and their values, one each half minute; `0+1x90` goes on from 0 by 1, 90 times. */
  readonly series: Readonly<Record<string, string>>;
  /** Labels of the alert, beside its severity. */
  readonly labels: Readonly<Record<string, string>>;
}

const operator = 'namespace="system", pod="edgecluster-6d5f4c8b94-x2v9q"';
const told = 'namespace="media", name="live", pod="edgecluster-6d5f4c8b94-x2v9q"';
const edge = 'namespace="media", name="live", pod="live-7c9d6b5f4-abcde"';
const live = { namespace: 'media', name: 'live' };

const cases: readonly Case[] = [
  { alert: 'EdgeClusterOperatorGone', series: {}, labels: { namespace: 'system' } },
  {
    alert: 'EdgeClusterOperatorGone',
    series: { [`edgecluster_operator_leader{${operator}}`]: '0x90' },
    labels: {},
  },
  {
    alert: 'EdgeClusterNotReady',
    series: { [`edgecluster_operator_condition{${told}, type="Available"}`]: '0x90' },
    labels: live,
  },
  {
    alert: 'EdgeClusterDegraded',
    series: { [`edgecluster_operator_condition{${told}, type="Degraded"}`]: '1x90' },
    labels: live,
  },
  {
    alert: 'EdgeClusterReconcilesFail',
    series: { [`edgecluster_operator_reconciles_total{${operator}, result="failed"}`]: '0+1x90' },
    labels: {},
  },
  {
    alert: 'EdgeClusterOperatorBehind',
    series: {
      [`edgecluster_operator_queue_latency_seconds_bucket{${operator}, le="10"}`]: '0x90',
      [`edgecluster_operator_queue_latency_seconds_bucket{${operator}, le="60"}`]: '0+1x90',
      [`edgecluster_operator_queue_latency_seconds_bucket{${operator}, le="+Inf"}`]: '0+1x90',
    },
    labels: {},
  },
  {
    alert: 'EdgeClusterOperatorCutOff',
    series: {
      [`edgecluster_operator_api_requests_total{${operator}, code="200"}`]: '0+1x90',
      [`edgecluster_operator_api_requests_total{${operator}, code="0"}`]: '0+2x90',
    },
    labels: {},
  },
  {
    alert: 'EdgeClusterUpgradeHalted',
    series: { [`edgecluster_operator_upgrade_clusters{${operator}, state="halted"}`]: '1x90' },
    labels: {},
  },
  {
    alert: 'EdgeOriginDown',
    series: {
      [`edge_origin_state{${edge}, origin="a:1935", state="down"}`]: '1x90',
      [`edge_origin_state{${edge}, origin="b:1935", state="down"}`]: '0x90',
    },
    labels: { ...live, origin: 'a:1935' },
  },
  {
    alert: 'EdgeNoOriginLeft',
    series: { [`edge_origin_state{${edge}, origin="a:1935", state="down"}`]: '1x90' },
    labels: live,
  },
  {
    alert: 'EdgeConfigRefused',
    series: { [`edge_config_refused{${edge}}`]: '1x90' },
    labels: { ...live, pod: 'live-7c9d6b5f4-abcde' },
  },
  {
    alert: 'EdgeFramesLostUpstream',
    series: { [`edge_push_dropped_gops_total{${edge}}`]: '0+1x90' },
    labels: live,
  },
  {
    alert: 'EdgeSlowFailover',
    series: {
      [`edge_splice_gap_seconds_bucket{${edge}, le="5"}`]: '0x90',
      [`edge_splice_gap_seconds_bucket{${edge}, le="10"}`]: '0+1x90',
      [`edge_splice_gap_seconds_bucket{${edge}, le="+Inf"}`]: '0+1x90',
    },
    labels: live,
  },
  {
    alert: 'EdgeFull',
    series: { [`edge_connections_turned_away_total{${edge}, reason="max_connections"}`]: '0+1x90' },
    labels: live,
  },
];

describe('alerts over made-up series', { skip: missing('promtool') }, async () => {
  const cleaner = suiteCleaner();
  const directory = temporaryDirectory(cleaner);
  const { helm } = await kubernetesTools(['helm']);
  const chart = join(import.meta.dirname, '../../helm');
  const rendered = run(helm, [
    ...['template', 'edgecluster', chart, '-n', 'system', '-s', 'templates/prometheusrule.yaml'],
    ...['--set', 'metrics.prometheusRule.enabled=true'],
  ]).toString();
  const { spec } = parse(rendered) as { readonly spec: { readonly groups: readonly { readonly rules: Alert[] }[] } };
  const alerts = new Map(spec.groups.flatMap(({ rules }) => rules).map((rule) => [rule.alert, rule]));
  writeFileSync(join(directory, 'rules.yml'), stringify(spec));

  it('every alert is tried', () => {
    assert.deepEqual([...alerts.keys()].toSorted(), [...new Set(cases.map(({ alert }) => alert))].toSorted());
  });

  for (const { alert, series, labels } of cases) {
    it(`${alert} comes with its words: ${Object.keys(series).length} series`, () => {
      const rule = alerts.get(alert);
      assert.ok(rule);
      const said = Object.entries(rule.annotations).map(([name, text]) => [
        name,
        text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? ''),
      ]);
      const expected = { exp_labels: { ...labels, ...rule.labels }, exp_annotations: Object.fromEntries(said) };
      const test = {
        rule_files: ['rules.yml'],
        tests: [
          {
            interval: '30s',
            input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
            alert_rule_test: [{ alertname: alert, eval_time: '40m', exp_alerts: [expected] }],
          },
        ],
      };
      const file = join(directory, `${alert}.yml`);
      writeFileSync(file, stringify(test));
      const { status, stdout, stderr } = spawnSync(findProgram('promtool') ?? '', ['test', 'rules', file], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
