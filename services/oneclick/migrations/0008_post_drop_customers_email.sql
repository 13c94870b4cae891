-- Nobody looks customers up by the letters of their address any more.
DROP INDEX customers_email;
