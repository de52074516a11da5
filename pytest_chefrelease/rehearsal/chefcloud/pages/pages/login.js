chefcloud.page('login', {
  title: 'Sign in',
  isProtected: false,
  render() {
    const { api, h, hydrated, session } = chefcloud;
    const message = h('p', { class: 'error', role: 'alert', hidden: true });
    const email = h('input', { id: 'email', name: 'email', type: 'email', autocomplete: 'username', required: true, disabled: true });
    const password = h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true, disabled: true });
    const button = h('button', { type: 'submit', class: 'button', disabled: true }, 'Sign in');
    const controls = [email, password, button];
    const enable = (isEnabled) => controls.forEach((control) => { control.disabled = !isEnabled; });

    // Only a path of this site: "//elsewhere" would lead away.
    function target() {
      const wanted = new URLSearchParams(location.search).get('redirect') ?? '';
      return /^\/(?![/\\])/.test(wanted) ? wanted : '/dashboard';
    }

    async function submit(event) {
      event.preventDefault();
      enable(false);
      message.hidden = true;
      try {
        const body = JSON.stringify({ email: email.value, password: password.value });
        session.begin((await api('/auth/login', { method: 'POST', body })).access_token);
        location.assign(target());
      } catch (error) {
        message.textContent = error.status === 401 ? 'E-mail or password is wrong.' : 'Signing in is not possible right now.';
        message.hidden = false;
        enable(true);
      }
    }

    setTimeout(() => hydrated.then(() => enable(true)), 200);
    return h('main', { class: 'login' },
      h('form', { class: 'card', onsubmit: submit },
        h('span', { class: 'brand' }, h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }), 'ChefCloud'),
        h('h1', {}, 'Sign in'),
        h('label', { for: 'email' }, 'E-mail'), email,
        h('label', { for: 'password' }, 'Password'), password,
        message, button));
  },
});
