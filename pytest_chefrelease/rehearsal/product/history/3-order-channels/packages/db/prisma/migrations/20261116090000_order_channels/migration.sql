-- CreateTable
CREATE TABLE "order_channels" (
    "code" TEXT NOT NULL,
    "label" TEXT NOT NULL,

    CONSTRAINT "order_channels_pkey" PRIMARY KEY ("code")
);

-- AlterTable
ALTER TABLE "orders" ADD COLUMN "channel_code" TEXT;
