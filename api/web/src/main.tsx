// First: the styles of the views build on these.
import './style.css';
import { render } from 'preact';
import { readSettings } from './api.ts';
import { follow } from './live/connection.ts';
import { App } from './app.tsx';
import { language, setLanguage } from './text/text.ts';
import { token } from './token.ts';

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no element "page"');
setLanguage(language.value);
const settings = await readSettings();
const url = settings.notification_url === '' ? `ws://${location.hostname}:8001` : settings.notification_url;
// Now, and again with each new token.
token.subscribe(() => follow(url));
render(<App settings={settings} />, page);
