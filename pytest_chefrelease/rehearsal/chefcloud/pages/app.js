// Session, API client and shell of the front. Each page brings a chunk of its own
// (pages/*.js) that registers a renderer; until that has come, "Loading…" stands.
(() => {
  'use strict';

  const API_URL = '__NEXT_PUBLIC_API_URL__';
  const APP_VERSION = '__NEXT_PUBLIC_APP_VERSION__';
  const COOKIE = 'chefcloud_token';
  const HYDRATION_MS = 250;
  const LINKS = [['/dashboard', 'Dashboard'], ['/orders', 'Orders'], ['/inventory', 'Inventory']];

  const root = document.getElementById('__next');
  const pages = {};

  const session = {
    token() {
      const found = document.cookie.split('; ').find((part) => part.startsWith(`${COOKIE}=`));
      return found ? decodeURIComponent(found.slice(COOKIE.length + 1)) : null;
    },
    begin(token) {
      const secure = location.protocol === 'https:' ? '; Secure' : '';
      document.cookie = `${COOKIE}=${encodeURIComponent(token)}; Path=/; SameSite=Lax${secure}`;
    },
    end() {
      document.cookie = `${COOKIE}=; Path=/; Max-Age=0`;
    },
  };

  class ApiError extends Error {
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  async function api(path, options = {}) {
    const headers = { ...options.headers };
    if (session.token()) headers.Authorization = `Bearer ${session.token()}`;
    if (options.body) headers['Content-Type'] = 'application/json';
    const answer = await fetch(API_URL + path, { ...options, headers });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ApiError(answer.status, body.message ?? `HTTP ${answer.status}`);
    return body;
  }

  // Builds an element; text is always set as text, so that data cannot become markup.
  function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, '');
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...children.flat());
    return element;
  }

  function table(columns, rows) {
    return h('div', { class: 'card table' }, h('table', {},
      h('thead', {}, h('tr', {}, columns.map((column) => h('th', { scope: 'col' }, column)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell) => h('td', {}, cell)))))));
  }

  function shell(user, title, ...content) {
    return h('div', { class: 'shell' },
      h('header', {},
        h('a', { class: 'brand', href: '/dashboard' }, h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }), 'ChefCloud'),
        h('nav', { 'aria-label': 'Main' }, LINKS.map(([path, label]) =>
          h('a', { href: path, 'aria-current': path === location.pathname ? 'page' : null }, label))),
        h('span', { class: 'user' }, user.name),
        h('button', { class: 'quiet', onclick: () => { session.end(); location.assign('/login'); } }, 'Sign out')),
      h('main', {}, h('h1', {}, title), content),
      h('footer', {}, `ChefCloud ${APP_VERSION}`));
  }

  function show(...nodes) {
    root.replaceChildren(...nodes);
  }

  function toLogin() {
    location.replace(`/login?redirect=${encodeURIComponent(location.pathname)}`);
  }

  // The visitor of a protected page: asked for before anything is shown.
  async function visitor() {
    try {
      return await api('/auth/me');
    } catch {
      return null;
    }
  }

  async function start(name) {
    const page = pages[name];
    try {
      const user = page.isProtected ? await visitor() : null;
      if (page.isProtected && !user) return toLogin();
      document.title = `${page.title} · ChefCloud`;
      show(...[].concat(await page.render(user)));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return toLogin();
      console.error(error);
      show(h('main', { class: 'plain' }, h('h1', {}, 'Something went wrong'),
        h('p', {}, 'Please try again in a moment.'), h('a', { href: location.pathname, class: 'button' }, 'Try again')));
    }
  }

  const money = (cents) => new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' }).format(Number(cents) / 100);
  const when = (stamp) => new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(`${stamp}Z`));

  window.chefcloud = {
    api, h, table, shell, session, money, when,
    hydrated: new Promise((resolve) => setTimeout(resolve, HYDRATION_MS)),
    page(name, definition) {
      pages[name] = definition;
      if (name === document.body.dataset.page) setTimeout(() => start(name), HYDRATION_MS);
    },
  };
})();
