"""Front ends to a core's registers for hosts without AXI: UART and SPI."""
