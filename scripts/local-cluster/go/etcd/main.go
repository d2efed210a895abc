// etcd's own server. Its module has replace directives, which `go install module@version` refuses,
// so this module of ours requires it and calls its main function.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
