package importer

// DoWork does what is due of one connection, once: a turn of the loop that a
// test can take by itself.
var DoWork = (*Engine).doWork
