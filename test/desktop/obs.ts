/**
 * OBS Studio without a desk: a display of its own in memory, OpenGL by the processor, a small picture of one colour.
 */

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cleaner, Program, temporaryDirectory } from '../support/programs.ts';

/** What OBS asks at its first start. */
const global = `[General]
FirstRun=true
EnableAutoUpdates=false
[Basic]
Profile=edge
ProfileDir=edge
SceneCollection=edge
SceneCollectionFile=edge
`;

/** Ten pictures a second, a key frame each second; OBS's own reconnect a second after a loss. */
const profile = `[General]
Name=edge
[Video]
BaseCX=320
BaseCY=180
OutputCX=320
OutputCY=180
FPSType=0
FPSCommon=10
[Output]
Mode=Simple
Reconnect=true
RetryDelay=1
MaxRetries=25
[SimpleOutput]
VBitrate=300
ABitrate=64
StreamEncoder=x264
Preset=ultrafast
UseAdvanced=true
x264Settings=keyint=10
`;

const scenes = {
  name: 'edge',
  current_scene: 'Scene',
  current_program_scene: 'Scene',
  scene_order: [{ name: 'Scene' }],
  sources: [
    { id: 'scene', name: 'Scene', settings: { items: [{ name: 'Colour', id: 1, visible: true }], id_counter: 1 } },
    { id: 'color_source', name: 'Colour', settings: { color: 0xff3366aa, width: 320, height: 180 } },
  ],
};

/** Streams to a custom server, as a person would have set it up. @param server such as `rtmp://127.0.0.1:1935/live` */
export async function startObs(cleaner: Cleaner, server: string, key: string): Promise<Program> {
  const home = temporaryDirectory(cleaner);
  const folder = join(home, 'obs-studio');
  const profileFolder = join(folder, 'basic/profiles/edge');
  mkdirSync(profileFolder, { recursive: true });
  mkdirSync(join(folder, 'basic/scenes'));
  writeFileSync(join(folder, 'global.ini'), global);
  writeFileSync(join(profileFolder, 'basic.ini'), profile);
  const service = { type: 'rtmp_custom', settings: { server, key, use_auth: false } };
  writeFileSync(join(profileFolder, 'service.json'), JSON.stringify(service));
  writeFileSync(join(folder, 'basic/scenes/edge.json'), JSON.stringify(scenes));
  return new Program(cleaner, 'obs', ['--startstreaming', '--minimize-to-tray', '--disable-updater', '--multi'], {
    HOME: home,
    XDG_CONFIG_HOME: home,
    DISPLAY: await startDisplay(cleaner),
    LIBGL_ALWAYS_SOFTWARE: '1',
  });
}

/** An X server that draws into memory, on a number that is free. @returns its name, such as `:1` */
async function startDisplay(cleaner: Cleaner): Promise<string> {
  const server = new Program(cleaner, 'Xvfb', ['-displayfd', '1', '-screen', '0', '640x480x24', '+extension', 'GLX']);
  if (server.child.stdout === null) throw new Error('Xvfb without standard output');
  const [number] = (await once(server.child.stdout, 'data')) as [Buffer];
  return `:${number.toString().trim()}`;
}
