chefcloud.page('orders', {
  title: 'Orders',
  isProtected: true,
  async render(user) {
    const { api, h, money, shell, table, when } = chefcloud;
    const orders = await api('/pos/orders');
    return shell(user, 'Orders',
      h('p', { class: 'lead', 'data-testid': 'order-count' }, `${orders.total} latest orders`),
      table(['Order', 'Table', 'Status', 'Total', 'Opened'], orders.items.map((order) => [
        `#${order.id}`, String(order.table_number), h('span', { class: `badge ${order.status}` }, order.status),
        money(order.total_cents), when(order.opened_at)])));
  },
});
