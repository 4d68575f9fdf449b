SAVEPOINT a_write
