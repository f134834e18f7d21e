// Prints what a version of the API server has against a CustomResourceDefinition, a line for each error. The
// definition comes from standard input, as YAML; the version is that of the libraries this is built with.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	problems, err := validate(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, problem := range problems {
		fmt.Println(strings.ReplaceAll(problem.Error(), "\n", " "))
	}
}

func validate(source io.Reader) ([]error, error) {
	text, err := io.ReadAll(source)
	if err != nil {
		return nil, err
	}
	given := &v1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, given); err != nil {
		return nil, err
	}
	// As the API server does before it validates.
	v1.SetObjectDefaults_CustomResourceDefinition(given)
	definition := &apiextensions.CustomResourceDefinition{}
	if err := v1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(given, definition, nil); err != nil {
		return nil, err
	}
	var problems []error
	for _, problem := range validation.ValidateCustomResourceDefinition(context.Background(), definition) {
		problems = append(problems, problem)
	}
	return problems, nil
}
