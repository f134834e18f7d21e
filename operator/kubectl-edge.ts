#!/usr/bin/env node
/** The plugin of kubectl: `kubectl edge …` runs the program of this name that it finds in the PATH. */
import { exitWith } from './command-line.ts';
import { edge } from './edge-command.ts';

exitWith(edge(process.argv.slice(2)));
