chefcloud.page('inventory', {
  title: 'Inventory',
  isProtected: true,
  async render(user) {
    const { api, h, shell, table } = chefcloud;
    const stock = await api('/inventory/items');
    const amount = (value, unit) => `${value} ${unit}`;
    return shell(user, 'Inventory',
      h('p', { class: 'lead', 'data-testid': 'item-count' }, `${stock.total} items`),
      table(['Item', 'Category', 'On hand', 'Reorder at', ''], stock.items.map((item) => [
        item.name, item.category, amount(item.on_hand, item.unit), amount(item.reorder_at, item.unit),
        item.on_hand < item.reorder_at ? h('span', { class: 'badge open' }, 'reorder') : h('span', { class: 'badge paid' }, 'in stock')])));
  },
});
