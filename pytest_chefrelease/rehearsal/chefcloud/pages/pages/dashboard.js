chefcloud.page('dashboard', {
  title: 'Dashboard',
  isProtected: true,
  async render(user) {
    const { api, h, money, shell, table, when } = chefcloud;
    const [figures, orders] = await Promise.all([api('/dashboard/summary'), api('/pos/orders')]);
    const card = (id, label, value) => h('section', { class: 'card figure' },
      h('h2', {}, label), h('p', { 'data-testid': id }, String(value)));
    return shell(user, 'Today',
      h('div', { class: 'cards' },
        card('revenue', 'Revenue, 24 hours', money(figures.revenue_cents)),
        card('open-orders', 'Open orders', figures.open_orders),
        card('average', 'Average bill', money(figures.average_cents)),
        card('to-reorder', 'To reorder', figures.to_reorder)),
      h('h2', {}, 'Latest orders'),
      table(['Order', 'Table', 'Status', 'Total', 'Opened'], orders.items.slice(0, 8).map((order) => [
        `#${order.id}`, String(order.table_number), h('span', { class: `badge ${order.status}` }, order.status),
        money(order.total_cents), when(order.opened_at)])));
  },
});
