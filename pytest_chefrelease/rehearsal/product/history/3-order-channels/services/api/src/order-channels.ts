export const ORDER_CHANNELS = ['dine-in', 'takeaway', 'delivery'] as const;

export type OrderChannel = (typeof ORDER_CHANNELS)[number];

export function isOrderChannel(code: string): code is OrderChannel {
  return (ORDER_CHANNELS as readonly string[]).includes(code);
}
