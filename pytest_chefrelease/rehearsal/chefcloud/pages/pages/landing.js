chefcloud.page('landing', {
  title: 'Your restaurant in one place',
  isProtected: false,
  render() {
    const { h } = chefcloud;
    const feature = (title, text) => h('section', { class: 'card' }, h('h2', {}, title), h('p', {}, text));
    return h('div', { class: 'landing' },
      h('header', {}, h('span', { class: 'brand' }, h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }), 'ChefCloud'),
        h('a', { class: 'button', href: '/login' }, 'Sign in')),
      h('main', {},
        h('h1', {}, 'Run the kitchen, not the paperwork'),
        h('p', { class: 'lead' }, 'Orders, stock, people and books of your restaurant, in one place that everybody on the floor understands.'),
        h('a', { class: 'button large', href: '/login' }, 'Open your restaurant'),
        h('div', { class: 'cards' },
          feature('Orders', 'From the table to the pass and to the till, whichever channel they came by.'),
          feature('Inventory', 'What is there, what it costs, and what to reorder before Friday night.'),
          feature('Workforce', 'Shifts, payroll and the journal they are booked in.'))),
      h('footer', {}, '© ChefCloud'));
  },
});
